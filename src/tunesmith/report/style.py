"""How the page looks: one style sheet, light and dark, desk, phone and paper.

Colours are variables, set once for light and once for dark. Text has a contrast of at least 4.5 to its ground (WCAG AA)
in both, and no meaning rests on colour alone: a word stands beside each.
"""

from __future__ import annotations

from tunesmith.report import style_marks, style_sides

_LIGHT = """
--ground:#f5f6f8; --sheet:#ffffff; --sunk:#f0f2f5; --ink:#18212b; --soft:#57636f; --rule:#dde2e8; --grid:#e8ebef;
--tuned:#17609c; --tuned-wash:#17609c1c; --other:#7b8894; --good:#1b7245; --good-wash:#e5f4eb; --warn:#8a5200;
--warn-wash:#fdf2df; --bad:#b3261e; --bad-wash:#fceceb; --calm-wash:#eaf1f8; --heat:23,96,156; --depth:.6;
"""
_DARK = """
--ground:#0f141a; --sheet:#171e26; --sunk:#1e2731; --ink:#e7ecf1; --soft:#a1aeba; --rule:#2c3742; --grid:#242e38;
--tuned:#6db3ee; --tuned-wash:#6db3ee24; --other:#8995a1; --good:#6fcf97; --good-wash:#16301f; --warn:#e8b35c;
--warn-wash:#33280f; --bad:#f2938c; --bad-wash:#3a1d1b; --calm-wash:#18293a; --heat:109,179,238; --depth:.5;
"""

_BASE = """
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;color-scheme:light dark;scroll-behavior:smooth}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
main,header,footer{max-width:960px;margin:0 auto;padding:0 24px}
header{padding-top:44px}
h1{font-size:30px;line-height:1.2;letter-spacing:-.015em;margin:4px 0 6px;overflow-wrap:anywhere}
h2{font-size:20px;line-height:1.3;letter-spacing:-.01em;margin:0 0 4px}
h3{font-size:15px;line-height:1.4;margin:24px 0 6px}
p{margin:0 0 12px;max-width:72ch} ul{margin:0 0 12px;padding-left:20px} li{margin:2px 0;max-width:72ch}
a{color:var(--tuned)} a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--tuned);
outline-offset:2px;border-radius:4px}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.86em}
.kicker{font-size:13px;letter-spacing:.08em;text-transform:uppercase;color:var(--soft);font-weight:600}
.meta{color:var(--soft);font-size:14.5px;display:flex;flex-wrap:wrap;gap:2px 18px;margin:0 0 20px}
.lead,.small{color:var(--soft);font-size:14.5px} .small{font-size:13.5px} .strong{font-weight:650}
section{background:var(--sheet);border:1px solid var(--rule);border-radius:12px;padding:26px 28px;margin:18px 0;
scroll-margin-top:12px}
nav{margin:0 0 4px;font-size:14px} nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;margin:0}
nav a{text-decoration:none;display:inline-block;padding:3px 0} nav a:hover{text-decoration:underline}
footer{color:var(--soft);font-size:13px;padding-top:8px;padding-bottom:48px}
.skip{position:absolute;left:-9999px} .skip:focus{left:16px;top:12px;background:var(--sheet);padding:8px 12px}
"""

_VERDICT = """
.verdict{border-left:6px solid var(--tuned);background:var(--sheet)}
.verdict.good{border-left-color:var(--good)} .verdict.bad{border-left-color:var(--bad)}
.verdict.even{border-left-color:var(--warn)}
.verdict .sentence{font-size:21px;line-height:1.4;letter-spacing:-.008em;margin:6px 0 18px;max-width:60ch;
font-weight:550}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(178px,1fr));gap:1px;background:var(--rule);
border:1px solid var(--rule);border-radius:10px;overflow:hidden;margin:0 0 16px}
.tile{background:var(--sheet);padding:13px 16px} .tile dt{color:var(--soft);font-size:13px}
.tile dd{margin:0} .tile .big{font-size:25px;line-height:1.25;font-weight:650;letter-spacing:-.02em;display:block}
.tile .under{font-size:13px;color:var(--soft);display:block;text-wrap:balance}
.badge{display:inline-block;font-size:12.5px;font-weight:650;line-height:1.5;padding:1px 9px;border-radius:11px;
background:var(--sunk);color:var(--soft)}
.badge.good{background:var(--good-wash);color:var(--good)} .badge.bad{background:var(--bad-wash);color:var(--bad)}
.badge.even{background:var(--warn-wash);color:var(--warn)} .badge.calm{background:var(--calm-wash);color:var(--tuned)}
"""

_PLOTS = """
figure{margin:14px 0 6px} figcaption{color:var(--soft);font-size:13.5px;max-width:72ch;margin-top:6px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:8px 32px;align-items:start}
.plot{display:block;width:100%;height:auto} .plot.narrow{display:none}
.plot text{font-family:inherit;fill:var(--ink);font-size:12px} .plot .label{font-size:14px}
.plot .tick,.plot .faint{fill:var(--soft);font-size:12px} .plot .title{fill:var(--soft);font-size:12.5px}
.plot .halo{paint-order:stroke;stroke:var(--sheet);stroke-width:5px;stroke-linejoin:round}
.plot .legend{font-size:12.5px;font-weight:600} .plot .middle{text-anchor:middle} .plot .end{text-anchor:end}
.plot .legend.other{fill:var(--soft)} .plot .legend.tuned{fill:var(--tuned)} .plot .strong{font-weight:650}
.grid{stroke:var(--grid)} .axis{stroke:var(--other)} .ideal{stroke:var(--other);stroke-dasharray:5 4}
.stage{stroke:var(--other);stroke-dasharray:2 3} .best{stroke:var(--soft);stroke-dasharray:4 3}
.band{fill:var(--tuned-wash)} .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line.tuned,.whisker.tuned{stroke:var(--tuned)} .line.other,.whisker.other{stroke:var(--other)}
.whisker{stroke-width:2} .dot.tuned{fill:var(--tuned)} .dot.other{fill:var(--other)} .dot.soft{fill-opacity:.75}
.ring{fill:var(--sheet);stroke:var(--tuned);stroke-width:2.5}
"""

_TABLES = """
.scroll{overflow-x:auto;margin:8px 0 4px;max-width:100%}
table{border-collapse:collapse;font-size:14.5px;width:100%} caption{text-align:left;color:var(--soft);font-size:13.5px;
padding:0 0 6px} th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--grid);vertical-align:top}
th{font-weight:600} thead th{color:var(--soft);font-size:13px;border-bottom-color:var(--rule);vertical-align:bottom}
th.num,td.num{text-align:right} td.num{white-space:nowrap} tr:last-child>*{border-bottom:0} td:last-child,th:last-child{
padding-right:0} .name{font-weight:500;min-width:6em} .range{color:var(--soft);
font-size:12.5px;display:block;white-space:nowrap}
.bar{display:block;height:7px;border-radius:2px;background:var(--sunk);min-width:56px;margin-top:8px}
.bar>span{display:block;height:100%;border-radius:2px;background:var(--tuned)} td.meter{width:26%}
.matrix{width:max-content;border-collapse:separate;border-spacing:2px;font-size:13px}
.matrix th,.matrix td{border:0;padding:0}
.matrix td{width:38px;min-width:34px;height:34px;text-align:center;vertical-align:middle;border-radius:4px;
background:rgba(var(--heat),calc(var(--share)*var(--depth)));color:var(--ink)}
.matrix td:not([style]){background:var(--sunk);color:var(--soft)}
.matrix td.right{box-shadow:inset 0 0 0 1.5px var(--other);font-weight:650}
.matrix tbody th{text-align:right;font-weight:500;padding-right:10px;vertical-align:middle;
line-height:1.25;position:sticky;left:0;background:var(--sheet)}
.matrix tbody th>span{display:block;max-width:150px;overflow-wrap:anywhere}
.matrix thead th{font-weight:500;color:var(--ink);text-align:left;vertical-align:bottom}
.matrix thead th>span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:132px;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap;display:inline-block;margin:0 9px 4px}
.matrix thead th.corner{color:var(--soft);font-size:12.5px;line-height:1.35;text-align:right;padding:0 10px 4px 0}
"""

_LISTS = """
details{border-top:1px solid var(--grid);margin-top:14px} details+details{margin-top:0}
summary{cursor:pointer;padding:10px 0;font-weight:600;font-size:14.5px} summary:hover{color:var(--tuned)}
.cards{list-style:none;margin:12px 0 0;padding:0} .cards>li{border-top:1px solid var(--grid);padding:13px 0;
max-width:none;margin:0} .cards>li:first-child{border-top:0;padding-top:2px}
.quote{margin:0 0 6px;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.facts{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13.5px;color:var(--soft);margin:0;max-width:none}
.facts b{color:var(--ink);font-weight:600;overflow-wrap:anywhere}
.finding{display:grid;grid-template-columns:88px 1fr;gap:2px 12px} .finding p{margin:0 0 3px}
pre{background:var(--sunk);border-radius:8px;padding:14px 16px;overflow-x:auto;margin:4px 0 12px;line-height:1.5;
max-height:560px}
"""

_PHONE = """
@media (max-width:640px){
body{font-size:15.5px} main,header,footer{padding-left:14px;padding-right:14px} header{padding-top:26px}
section{padding:18px 16px;margin:12px 0;border-radius:10px} h1{font-size:25px} .verdict .sentence{font-size:18.5px}
.tiles{grid-template-columns:1fr 1fr} .tile{padding:11px 12px} .tile .big{font-size:21px}
.plot.wide{display:none} .plot.narrow{display:block} th,td{padding-right:10px} table{font-size:13.5px}
.matrix td{width:30px;min-width:28px;height:30px} .matrix tbody th>span{max-width:94px}
.matrix thead th>span{margin:0 5px 4px} .matrix{font-size:12.5px} .wide-only{display:none}
.finding{grid-template-columns:1fr}
"""

_PRINT = f"""
@media print{{
:root{{{_LIGHT}{style_marks.LIGHT}--ground:#fff;--sunk:#f4f4f4}} html{{color-scheme:light}} body{{font-size:11pt}}
nav,.skip{{display:none}} main,header,footer{{max-width:none;padding:0}}
section{{border:0;border-top:1px solid var(--rule);border-radius:0;padding:14px 0;margin:0}}
.verdict{{border-left:4px solid var(--tuned);padding-left:16px}}
figure,.cards>li,tr,.tiles{{break-inside:avoid}} h2,h3{{break-after:avoid}}
pre{{max-height:none;white-space:pre-wrap;overflow-wrap:anywhere}} .scroll{{overflow:visible}}
.bar,.bar>span,.matrix td,.badge,.tiles{{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

STYLE = (
    f":root{{{_LIGHT}{style_marks.LIGHT}}}@media (prefers-color-scheme:dark){{:root{{{_DARK}{style_marks.DARK}}}}}"
    f"{_BASE}{_VERDICT}{_PLOTS}{_TABLES}{_LISTS}{style_marks.MARKS}{style_sides.SIDES}{_PHONE}{style_marks.PHONE}}}"
    f"{_PRINT}{style_marks.PRINT}}}"
)
"""The whole style sheet; it refers to nothing outside the page."""
