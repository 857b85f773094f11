"""Logistic regression: the minimum of its loss, with penalty and without a start."""

import numpy as np
import pytest

from destiny_assets.domain.logistic import fit


def test_the_regression_is_the_minimum_of_its_loss() -> None:
    random = np.random.default_rng(4)
    features = random.normal(3, 2, size=(200, 3))
    target = (features @ [2.0, -1, 0] + random.logistic(size=200) > 3).astype(float)
    found = fit(features, target, 1.0)
    design = np.concatenate([np.ones((200, 1)), (features - features.mean(axis=0)) / features.std(axis=0)], axis=1)
    slope = design.T @ (found.probability(features) - target) + np.array([0, 1, 1, 1]) * found.weights
    assert slope == pytest.approx(np.zeros(4), abs=0.02)
    assert fit(features, target, 1.0, found).weights == pytest.approx(found.weights, abs=1e-3)


def test_perfectly_told_apart_classes_and_constant_features_have_finite_weights() -> None:
    features = np.array([[0.0, 1], [0, 1], [1, 1], [1, 1]])
    found = fit(features, np.array([0.0, 0, 1, 1]), 0.01)
    assert np.isfinite(found.weights).all()
    assert found.probability(features) == pytest.approx([0, 0, 1, 1], abs=0.05)
