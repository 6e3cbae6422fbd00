"""How the page looks, on any screen, and the little that moves."""

import base64
import hashlib

_STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --raised: #f3f5f8; --ink: #17202b; --faint: #566170;
  --rule: #d5dbe3; --link: #0b57a4; --warn: #fff3d6; --warn-edge: #b45f06;
  --c0: #0b62a8; --c1: #c2410c; --c2: #0f766e;
  --c3: #7e22ce; --c4: #6b5b00; --c5: #9d174d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161c; --raised: #1c222b; --ink: #e6eaf0; --faint: #a3aebd;
    --rule: #37414e; --link: #82bcff; --warn: #3a2c0c; --warn-edge: #f0b429;
    --c0: #6cb6ff; --c1: #ff9b6b; --c2: #4fd1c5;
    --c3: #d0a2ff; --c4: #e3d060; --c5: #ff8fb8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 68rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--link); }
small, figcaption, dt, footer, .missing, .about { color: var(--faint); }
small { font-size: .85em; }
code { font: .9em ui-monospace, monospace; }
pre {
  margin: .25rem 0 .75rem; padding: .6rem .8rem; border-radius: .4rem;
  background: var(--raised); white-space: pre-wrap; overflow-x: auto;
}
code span { white-space: pre; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin-top: 1.5rem;
  padding: .5rem 0; border: solid var(--rule); border-width: 1px 0; }
.callout {
  margin: 1rem 0; padding: .75rem 1rem; background: var(--warn);
  border-left: .3rem solid var(--warn-edge); border-radius: .3rem;
}
.callout h2 { font-size: 1rem; margin: 0 0 .25rem; }
.callout ul { margin: 0; padding-left: 1.2rem; }
.callout small { color: inherit; }
.facts { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 0; }
.facts div {
  display: flex; flex-direction: column-reverse; justify-content: flex-end;
  flex: 1 1 8.5rem; padding: .6rem .8rem; border-radius: .4rem;
  background: var(--raised);
}
.facts dd { margin: 0; font-size: 1.35rem; font-weight: 600; }
.facts dt { font-size: .85rem; }
figure { margin: 0; }
img { display: block; max-width: 100%; height: auto; border-radius: .3rem; }
.pair { display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.pair img { width: 100%; max-width: 32rem; }
.neighbours img { width: 100%; max-width: 30rem; }
.frames { display: flex; gap: 1rem; overflow-x: auto; padding-bottom: .5rem; }
.frames figure { flex: none; width: min(80%, 20rem); }
.frames img { width: 100%; }
.still .frames { overflow: visible; }
.still .frames figure { width: min(100%, 32rem); }
.slider { display: flex; gap: .75rem; align-items: center; }
.slider[hidden], .frames figure[hidden] { display: none; }
.slider input { flex: 1; max-width: 24rem; accent-color: var(--c0); }
.charts { display: grid; gap: 2rem 1.5rem; margin-top: 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.chart figcaption { color: var(--ink); }
.chart svg { display: block; width: 100%; max-width: 40rem; }
.chart line { stroke: var(--faint); }
.chart .rule { stroke: var(--rule); }
.chart text { fill: var(--faint); font: 13px system-ui, sans-serif; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.colour0 { --own: var(--c0); } .colour1 { --own: var(--c1); }
.colour2 { --own: var(--c2); } .colour3 { --own: var(--c3); }
.colour4 { --own: var(--c4); } .colour5 { --own: var(--c5); }
.line { stroke: var(--own); }
circle { fill: var(--own); }
.reading rect { fill: transparent; }
.reading line { visibility: hidden; stroke-dasharray: 3 3; }
.reading:hover line { visibility: visible; }
.swatch { position: absolute; left: 0; top: .75em; width: 1rem;
  height: .25rem; background: var(--own); }
table { border-collapse: collapse; font-size: .92rem; }
th { text-align: left; font-weight: 600; }
.name { overflow-wrap: normal; }
th small { display: block; font-weight: 400; }
td b { font-weight: 600; }
.whole, .numbers td, .numbers tr:first-child th { white-space: nowrap; }
th, td { padding: .35rem .8rem .35rem 0; vertical-align: top;
  min-width: 3.2rem; overflow-wrap: break-word; }
tr { border-bottom: 1px solid var(--rule); }
thead th { color: var(--faint); font-weight: 400; }
.properties > tbody > tr > th { color: var(--faint); font-weight: 400;
  white-space: nowrap; }
.properties .properties { font-size: 1em; }
.properties .properties tr { border: 0; }
.properties .properties th, .properties .properties td { padding-top: 0; }
.cards, .compact { width: 100%; }
.compact th:first-child { min-width: 10rem; }
.numbers { font-variant-numeric: tabular-nums; width: 100%; max-width: 40rem;
  font-size: .85rem; }
.numbers tr:last-child { border: 0; }
.numbers th { position: relative; overflow-wrap: normal; }
.numbers th, .numbers td { padding: .15rem .5rem .15rem 0; }
.numbers tr:first-child th { color: var(--faint); font-weight: 400; }
.numbers tr + tr th { padding-left: 1.5rem; }
.numbers td, .numbers tr:first-child th + th { text-align: right; }
.bar { display: inline-block; width: 10rem; max-width: 40vw;
  margin-right: .6rem; }
.bar span { display: block; height: .6rem; background: var(--c0); }
summary { cursor: pointer; color: var(--link); }
footer { margin-top: 3rem; font-size: .85rem; }
@media (max-width: 40rem) {
  .cards, .cards tbody, .cards tr, .cards th, .cards td { display: block; }
  .cards thead { display: none; }
  .cards tr { padding: .6rem 0; }
  .cards th, .cards td { padding: .1rem 0; }
  .cards td[data-label] { padding-left: 9.5rem; min-height: 1.6em; }
  .cards td[data-label]::before { content: attr(data-label); float: left;
    margin-left: -9.5rem; color: var(--faint); }
  .properties > tbody > tr > th { white-space: normal; min-width: 6rem; }
  section > .properties { width: 100%; }
}
"""

_SCRIPT = """
for (const film of document.querySelectorAll(".film")) {
  const frames = [...film.querySelectorAll(".frames > *")];
  const slider = film.querySelector("input");
  const show = () => {
    frames.forEach((frame, i) => { frame.hidden = i != slider.value; });
    slider.setAttribute(
      "aria-valuetext", frames[slider.value].textContent);
  };
  slider.addEventListener("input", show);
  film.querySelector(".slider").hidden = false;
  film.querySelector(".frames").removeAttribute("tabindex");
  film.classList.add("still");
  show();
}
"""

# Whatever got into the page: no network, and no script but the one above.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
)

_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
<script>{script}</script>
</body>
</html>"""


def document(title, body):
    """Title and body, both HTML -> the whole page."""
    digest = hashlib.sha256(_SCRIPT.encode()).digest()
    return _DOCUMENT.format(
        policy=_POLICY.format(base64.b64encode(digest).decode()),
        title=title,
        style=_STYLE,
        body=body,
        script=_SCRIPT,
    )
