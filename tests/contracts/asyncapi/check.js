// Reads documents, {name: document}, and says of each what the parser finds wrong and what it understood.
import { readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'

const parser = new Parser()
const told = {}
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  const { document, diagnostics } = await parser.parse(JSON.stringify(text))
  told[name] = {
    mistakes: diagnostics.map(({ severity, code, path, message }) => ({
      severity,
      code,
      pointer: '#/' + path.join('/'),
      message,
    })),
    channels: document?.channels().all().map((channel) => channel.address()) ?? [],
    operations: document?.operations().all().map((operation) => operation.id()) ?? [],
    messages: document?.components().messages().all().map((message) => message.name()) ?? [],
  }
}
process.stdout.write(JSON.stringify(told))
