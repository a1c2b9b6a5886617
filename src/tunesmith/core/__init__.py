"""The words everyone uses: types and protocols only."""
