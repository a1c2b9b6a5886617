"""What a run found out, to look at and to publish: `page.write_page` and `card.write_card`.

Both take the plain data of `report.json` (`core.report_schema.ReportData`) and write what is there; what a run did not
measure is left out or said to be unknown, never invented.
"""
