"""How long a million claims take: ``python benchmarks/trust_speed.py [--claims 1000000] [--sources 10000]``.

Makes claims of numbers by sources of mixed reliability, a tenth of whose errors are shared, and prints seconds to arrange and to score
them, how often the best value is true, and the peak of memory; the goals are 60 s and 2 GB.
"""

import argparse
import resource
import time

import numpy as np

from destiny_assets.domain.truth.beliefs import believe, majority
from destiny_assets.domain.truth.claims import arrange


def main() -> None:
    """Make the claims, score them, print what it cost."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--claims", type=int, default=1_000_000)
    arguments.add_argument("--sources", type=int, default=10_000)
    options = arguments.parse_args()
    random = np.random.default_rng(0)
    things = options.claims // 5
    thing = random.integers(0, things, options.claims)
    few = np.minimum(random.pareto(1.2, options.claims) * 50, options.sources - 1).astype(int)
    source = np.where(random.random(options.claims) < 0.2, random.integers(0, options.sources, options.claims), few)
    reliability = random.beta(6, 3, options.sources)
    truth = random.integers(1_000, 1_000_000, things)
    right = random.random(options.claims) < reliability[source]
    wrong = np.where(
        random.random(options.claims) < 0.1, truth[thing] + 1_000, random.integers(1_000, 1_000_000, options.claims)
    )
    values = np.where(right, truth[thing], wrong)
    columns = (
        [f"thing {number}" for number in thing.tolist()],
        ["size"] * options.claims,
        [f"source {number}" for number in source.tolist()],
        [str(value) for value in values.tolist()],
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    clock = [time.perf_counter()]
    claims = arrange(*columns)
    clock.append(time.perf_counter())
    beliefs = believe(claims)
    clock.append(time.perf_counter())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = np.array([float(str(form)) for form in claims.value_form])
    known = truth[[int(name.removeprefix("thing ")) for name, _ in claims.slots]]
    shares = {"destiny": beliefs.best, "majority": majority(claims)[1]}
    print(
        f"{len(claims.slot)} claims, {len(claims.sources)} sources, {len(claims.slots)} slots, {len(claims.value_slot)} values"
    )
    print(
        f"arrange {clock[1] - clock[0]:.1f} s, believe {clock[2] - clock[1]:.1f} s, memory {before:.0f} MB -> {peak:.0f} MB at its peak"
    )
    print(", ".join(f"{name} {np.mean(told[best] == known):.4f} right" for name, best in shares.items()))


if __name__ == "__main__":
    main()
