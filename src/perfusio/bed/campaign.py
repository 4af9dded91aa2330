"""Old name of `perfusio.bed.campaigns.campaign`; it stays."""

from perfusio.bed.campaigns.campaign import (
    MIN_TRANSITIONS as MIN_TRANSITIONS,
)
from perfusio.bed.campaigns.campaign import (
    N_PATHS as N_PATHS,
)
from perfusio.bed.campaigns.campaign import (
    USUAL_AIM as USUAL_AIM,
)
from perfusio.bed.campaigns.campaign import (
    Campaign as Campaign,
)
from perfusio.bed.campaigns.campaign import (
    Learner as Learner,
)
