"""The sections of the page, each a function `ReportData → Section | None`: None where the run has nothing to say."""
