"""How marked stretches of a text look: a hue for each kind, a border for what became of it.

The letters keep the ink of the page, on a wash of the hue; the name of the kind stands behind every mark. Borders tell
right from wrong where there is no colour, and so do the words behind them.
"""

from __future__ import annotations

_HUES = (210, 28, 145, 325, 265, 50, 182, 0, 88, 295, 235, 165)
"""Neighbours in the list lie far apart on the wheel: the most frequent kinds come first and are told apart best."""

_KINDS = "".join(f"mark.k{at}{{--h:{hue}}}" for at, hue in enumerate(_HUES))

_RULES = """
mark{--h:210;color:var(--ink);background:hsl(var(--h) var(--mark-sat) var(--mark-wash));border:1.5px solid
hsl(var(--h) var(--mark-sat) var(--mark-edge));border-radius:5px;padding:0 3px;margin:0 1px;
-webkit-box-decoration-break:clone;box-decoration-break:clone}
mark .note{font-size:11px;font-weight:650;line-height:1;letter-spacing:.01em;margin-inline-start:5px;
color:hsl(var(--h) var(--mark-sat) var(--mark-ink));white-space:nowrap}
mark.off{border-style:dotted;border-width:2px} mark.missed{border-style:dashed;background:none}
mark.invented{border-style:double;border-width:4px}
mark.plain{background:none;border-color:var(--soft)}
.marked{line-height:2.05;margin:0 0 4px;max-width:none} .gap{color:var(--soft)}
.line{display:grid;grid-template-columns:72px 1fr;gap:0 12px;align-items:baseline} .line>p{min-width:0}
.line-name{font-size:12.5px;color:var(--soft);line-height:1.3}
.key{display:flex;flex-wrap:wrap;align-items:center;gap:6px 8px;font-size:13px;line-height:1.6;
margin:0 0 8px;max-width:none}
.soft{color:var(--soft)}
.cards details{border:0;margin:2px 0 0} .cards summary{font-size:13.5px;font-weight:400;padding:2px 0;color:var(--soft)}
"""

LIGHT = "--mark-sat:72%;--mark-wash:93%;--mark-edge:45%;--mark-ink:26%;"
DARK = "--mark-sat:48%;--mark-wash:19%;--mark-edge:52%;--mark-ink:82%;"
"""Saturation, and the lightness of wash, border and note."""

PHONE = ".line{grid-template-columns:1fr}"
PRINT = "mark{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
MARKS = _RULES + _KINDS
