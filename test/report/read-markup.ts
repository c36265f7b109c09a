import { spawnSync } from 'node:child_process'

/** Markup as another program reads it: elements in order with their attributes, and all text between them. */
export type Read = {
  readonly elements: readonly (readonly [name: string, attributes: { readonly [name: string]: string }])[]
  readonly text: string
  /** Why it is no markup at all, or null. */
  readonly broken: string | null
}

/** Why the parsers that tests rest on are not here, or null. */
export function whyNoParser(): string | null {
  const { error, status } = spawnSync('python3', ['-c', 'import html.parser, xml.etree.ElementTree'])
  return error === undefined && status === 0 ? null : 'there is no python3, whose parsers read the reports here'
}

/** With Python's parsers, which know nothing of ours. */
export function readMarkup(kind: 'html' | 'xml', documents: readonly string[]): readonly Read[] {
  const { stdout, stderr, status } = spawnSync('python3', ['-c', PROGRAM, kind], {
    input: JSON.stringify(documents),
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const PROGRAM = `
import json, sys
from html.parser import HTMLParser
from xml.etree import ElementTree

class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.other = [], [], []
    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, {name: value or '' for name, value in attributes}])
    def handle_data(self, data):
        self.text.append(data)
    def handle_comment(self, data):
        self.other.append('comment')
    def unknown_decl(self, data):
        self.other.append('declaration')
    def handle_pi(self, data):
        self.other.append('instruction')

def html(document):
    reader = Reader()
    reader.feed(document)
    reader.close()
    broken = ', '.join(reader.other) or None
    return {'elements': reader.elements, 'text': ''.join(reader.text), 'broken': broken}

def xml(document):
    try:
        root = ElementTree.fromstring(document.encode('utf8'))
    except ElementTree.ParseError as error:
        return {'elements': [], 'text': '', 'broken': str(error)}
    elements = [[each.tag, dict(each.attrib)] for each in root.iter()]
    return {'elements': elements, 'text': ''.join(root.itertext()), 'broken': None}

json.dump([{'html': html, 'xml': xml}[sys.argv[1]](each) for each in json.load(sys.stdin)], sys.stdout)
`
