"""The page's style sheet: one column on a phone, two on a desk, light or dark as the reader's system is. No font or image is loaded."""

CSS = """
:root{color-scheme:light dark;--paper:#f6f5f1;--card:#fff;--ink:#1c2127;--soft:#57616c;--line:#e2e0d9;--track:#ecebe5;
--s0:#0a6b70;--s1:#b4501a;--s2:#6547b5;--good:#1d6b3c;--bad:#b3261e;--wash:#e3f1f0}
@media (prefers-color-scheme:dark){:root{--paper:#101418;--card:#181e24;--ink:#e9edf1;--soft:#a5b0bb;--line:#2a323a;--track:#262e36;
--s0:#56c4bb;--s1:#f29b62;--s2:#b7a2ee;--good:#6fce93;--bad:#ff8a80;--wash:#14302f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header,main,footer{max-width:1160px;margin:0 auto;padding:0 24px}
header{padding-top:48px}
.over{margin:0;color:var(--s0);font-weight:600;letter-spacing:.08em;text-transform:uppercase;font-size:13px}
h1{font-size:clamp(34px,6vw,52px);line-height:1.1;margin:4px 0 8px;letter-spacing:-.02em;overflow-wrap:anywhere}
.lede{margin:0;color:var(--soft);font-size:17px}
.lede b{color:var(--ink);font-weight:600}
nav{margin:20px 0 0}
nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px}
a{color:var(--s0);text-underline-offset:3px}
a:focus-visible{outline:2px solid var(--s0);outline-offset:3px;border-radius:2px}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:12px;margin:28px 0 0;padding:0}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px;
display:flex;flex-direction:column-reverse;justify-content:flex-end}
.tiles dd{margin:0;font-size:26px;line-height:1.2;font-weight:650;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tiles dt{color:var(--soft);font-size:13px}
main{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px;padding-top:16px;padding-bottom:24px;align-items:start}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:22px 24px;min-width:0;height:100%}
section.wide{grid-column:1/-1}
h2{font-size:19px;line-height:1.3;margin:0 0 4px;letter-spacing:-.01em}
h3{font-size:14px;margin:18px 0 0;color:var(--soft);font-weight:600}
.note,.nothing{color:var(--soft);font-size:14px;margin:0 0 12px;max-width:70ch}
.nothing{margin:12px 0 0}
.layers{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;list-style:none;margin:14px 0 0;padding:0}
.layers li{border:1px solid var(--line);border-left:4px solid var(--good);border-radius:10px;padding:12px 14px}
.layers li.off{border-left-color:var(--bad)}
.layers li.unknown{border-left-color:var(--soft)}
.layers strong{display:block;font-size:14px;font-weight:600}
.layers .count{display:block;font-size:24px;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.layers .unit{display:block;color:var(--soft);font-size:13px}
.layers .state{display:block;margin-top:6px;font-size:13px;font-weight:600;color:var(--good)}
.layers .off .state{color:var(--bad)}
.layers .unknown .state{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:14px;margin-top:10px}
caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:6px}
th,td{text-align:left;padding:7px 12px 7px 0;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:13px;overflow-wrap:normal}
tbody th{font-weight:550}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.meter{display:block;min-width:72px;font-variant-numeric:tabular-nums}
.meter .value{display:block}
.track{display:block;height:6px;border-radius:3px;background:var(--track);margin-top:4px;overflow:hidden}
.track i{display:block;height:100%;background:var(--s0);border-radius:3px;min-width:1px}
.tag{display:inline-block;padding:0 8px;border-radius:9px;background:var(--wash);color:var(--s0);font-size:13px;font-weight:600;white-space:nowrap}
.tag.bad{background:none;border:1px solid var(--bad);color:var(--bad)}
.day{white-space:nowrap}
.soft{color:var(--soft);font-weight:400}
svg{display:block;width:100%;height:auto;margin-top:10px}
svg text{font-size:10px;fill:var(--soft);font-variant-numeric:tabular-nums}
svg .x,svg .on{text-anchor:middle}svg .y{text-anchor:end}
svg .on{fill:var(--ink);font-size:9px}
.grid{stroke:var(--line);stroke-width:1}
.bar{fill:var(--s0)}.mean{stroke:var(--s1);stroke-width:1.5;stroke-dasharray:4 3}
.area{fill:var(--s0);opacity:.12}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}
.line.thin{stroke-width:1;opacity:.55}
.ideal{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 3}
.whisker{stroke-width:1.5;opacity:.7}.whisker.s0{stroke:var(--s0)}.whisker.s1{stroke:var(--s1)}
.diagram{max-width:420px}
.dot.s0{fill:var(--s0)}.dot.s1{fill:var(--s1)}.dot.s2{fill:var(--s2)}
.key{list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:6px 0 0;padding:0;font-size:13px}
.key li::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;vertical-align:middle;margin-right:6px;background:var(--s0)}
.key .s1::before{background:var(--s1)}.key .s2::before{background:var(--s2)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:8px 32px}
.pair+table{margin-top:28px;border-top:1px solid var(--line);padding-top:14px}
.succession{list-style:none;margin:10px 0 0;padding:0;font-size:14px}
.succession li{display:grid;grid-template-columns:1fr 20px 1fr;gap:10px;padding:8px 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.succession .old{color:var(--soft)}.succession .to{color:var(--s1)}
footer{color:var(--soft);font-size:13px;padding-bottom:48px}
code{font:.92em ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
@media (max-width:1000px){.tiles{grid-template-columns:repeat(3,1fr)}.layers{grid-template-columns:repeat(2,1fr)}}
@media (max-width:820px){main{grid-template-columns:minmax(0,1fr)}}
@media (max-width:600px){
th,td{padding-right:8px}thead th{font-size:12px}
header,main,footer{padding-left:14px;padding-right:14px}header{padding-top:28px}
section{padding:18px 16px}
.tiles{grid-template-columns:repeat(2,1fr);gap:8px}.tiles dd{font-size:22px}
.layers{gap:8px}.layers .count{font-size:21px}
.pair{grid-template-columns:1fr}
table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.stack tr{display:block;border-top:1px solid var(--line);padding:8px 0}
table.stack th{display:block;border:0;padding:1px 0;text-align:left;white-space:normal}
table.stack td{display:flex;gap:10px;align-items:baseline;border:0;padding:2px 0;text-align:left;white-space:normal}
table.stack td::before{content:attr(data-head);flex:0 0 82px;color:var(--soft);font-size:13px}
table.stack .meter{flex:1;display:flex;gap:10px;align-items:center}
table.stack .track{flex:1;margin:0}
}
@media print{body{background:#fff}section{break-inside:avoid}}
"""
