"""Speed and memory, as ratios of runs taken side by side: `python -m benchmarks`, or `make bench`."""
