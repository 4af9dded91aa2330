"""Baselines under the name that scripts know; they live in `perfusio.hybrid.rivals`."""

from perfusio.hybrid.rivals.forecasters import BatchAverage, Forecaster, Persistence, baselines

__all__ = ["BatchAverage", "Forecaster", "Persistence", "baselines"]
