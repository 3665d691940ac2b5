// The judge: opens or signs statements with a JOSE library that is not ours. One JSON request on standard input, one answer.
import { CompactSign, compactVerify, decodeProtectedHeader, importJWK } from 'jose'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const request = JSON.parse(Buffer.concat(chunks).toString('utf8'))

async function open(statement) {
  const headers = []
  for (;;) {
    const { kid } = decodeProtectedHeader(statement)
    const x = kid.split('#ed25519.')[1]
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA')
    const { payload, protectedHeader } = await compactVerify(statement, key, { algorithms: ['EdDSA'] })
    headers.push(protectedHeader)
    if (protectedHeader.cty !== 'JWT') return { headers, payload: Buffer.from(payload).toString('base64') }
    statement = Buffer.from(payload).toString('ascii')
  }
}

async function sign({ jwk, header, payload }) {
  const key = await importJWK(jwk, 'EdDSA')
  const statement = await new CompactSign(Buffer.from(payload, 'base64')).setProtectedHeader(header).sign(key)
  return { statement }
}

try {
  console.log(JSON.stringify(request.open ? await open(request.open) : await sign(request.sign)))
} catch (error) {
  console.log(JSON.stringify({ refused: error.code ?? error.name }))
}
