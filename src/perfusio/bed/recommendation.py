"""Old name of `perfusio.bed.campaigns.recommendation`; it stays."""

from perfusio.bed.campaigns.recommendation import (
    TYPICAL_START as TYPICAL_START,
)
from perfusio.bed.campaigns.recommendation import (
    Recommendation as Recommendation,
)
from perfusio.bed.campaigns.recommendation import (
    constant_recipe as constant_recipe,
)
from perfusio.bed.campaigns.recommendation import (
    goes_on as goes_on,
)
from perfusio.bed.campaigns.recommendation import (
    next_names as next_names,
)
from perfusio.bed.campaigns.recommendation import (
    start_of as start_of,
)
from perfusio.bed.campaigns.recommendation import (
    told as told,
)
