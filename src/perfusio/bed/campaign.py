"""Old name of `perfusio.bed.campaigns.campaign`; it stays."""

from perfusio.bed.campaigns.campaign import MIN_TRANSITIONS, N_PATHS, USUAL_AIM, Campaign, Learner

__all__ = ["MIN_TRANSITIONS", "N_PATHS", "USUAL_AIM", "Campaign", "Learner"]
