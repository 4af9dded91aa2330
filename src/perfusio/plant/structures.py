"""All structures that there are: a further plant is a file of its own and a name here."""

from perfusio.plant.equations import OWN
from perfusio.plant.monod_separator import MONOD_SEPARATOR
from perfusio.plant.own2 import OWN2
from perfusio.plant.published_cho import PUBLISHED_CHO

STRUCTURES = (OWN, OWN2, PUBLISHED_CHO, MONOD_SEPARATOR)
