// How a report looks: light and dark screens, a phone, and paper.
// Pure.

export const STYLE = `
:root{color-scheme:light dark;--ink:#1d232b;--soft:#66707c;--line:#dfe3e8;--paper:#fff;--card:#f6f7f9}
.c0{--c:#2f6fde}.c1{--c:#e08a1e}.c2{--c:#2a9d6f}.c3{--c:#b5498e}.c4{--c:#7a5bd0}.c5{--c:#1795a8}.c6{--c:#8a929c}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.25rem;max-width:64rem;color:var(--ink);background:var(--paper);
  font:15px/1.45 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
header p,.note,footer{color:var(--soft);margin:.2rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.6rem;margin:1.1rem 0}
.tiles div{background:var(--card);border-radius:.5rem;padding:.6rem .75rem}
.tiles b{display:block;font-size:1.2rem;font-variant-numeric:tabular-nums}.tiles span{color:var(--soft);font-size:.85rem}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.85rem}
.legend span{overflow-wrap:anywhere}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:.15rem;margin-right:.4rem;background:var(--c)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:.5rem 1.5rem}
figure{margin:.75rem 0 0}figcaption{font-weight:600;font-size:.95rem}
svg{display:block;width:100%;height:auto}
svg text{font-size:11px;fill:var(--soft)}svg rect,svg circle{fill:var(--c)}
.line{fill:none;stroke:var(--c);stroke-width:1.5}.grid{stroke:var(--line)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .55rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th{font-weight:500}thead th{color:var(--soft)}tbody th,tfoot th{text-align:left}
tbody th{max-width:18rem;overflow:hidden;text-overflow:ellipsis}tfoot th,tfoot td{font-weight:700;border:0}
.note{font-size:.85rem}footer{margin-top:1.5rem;font-size:.8rem}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa4b0;--line:#343b44;--paper:#15191e;--card:#1f252c}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--card:#fff}
  body{padding:0;max-width:none;font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
  .tiles{grid-template-columns:repeat(6,1fr)}.tiles div{border:1px solid var(--line)}
  .charts{grid-template-columns:1fr 1fr}figure,tr,.tiles{break-inside:avoid}h2{break-after:avoid}tfoot{display:table-row-group}.wide{overflow:visible}
  table{font-size:7.5pt}th,td{padding:.2rem .3rem}tbody th{max-width:11rem;white-space:normal;overflow-wrap:anywhere}}
@page{margin:14mm}
`;
