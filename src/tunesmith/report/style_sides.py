"""How written texts look: the reference and each model's text in columns, and the columns of their lengths."""

from __future__ import annotations

SIDES = """
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,220px),1fr));gap:10px 18px;margin:8px 0 8px}
.side{border-left:3px solid var(--rule);padding-left:12px;min-width:0} .side>.line-name{margin:0 0 3px;max-width:none}
.side.tuned{border-left-color:var(--tuned)} .side-score{margin-left:10px} .side-score b{color:var(--ink)}
.line>div{min-width:0} .line+.sides{margin-top:4px}
.column.tuned{fill:var(--tuned)} .column.other{fill:var(--other)}
"""
