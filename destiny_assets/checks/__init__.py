"""Data-quality checks that gate the publish: Great Expectations suites and facts."""
