import pino from 'pino'

export async function toAFile({ folder }) {
  const stream = pino.destination({ dest: `${folder}/log`, sync: false })
  const logger = pino(stream)
  await new Promise((resolve) => stream.once('ready', resolve))
  logger.info('hello')
  stream.end()
}

export async function transportThatEnds({ folder }) {
  const transport = pino.transport({ target: 'pino/file', options: { destination: `${folder}/log` } })
  pino(transport).info('hello')
  await new Promise((resolve) => transport.once('ready', resolve))
  const closed = new Promise((resolve) => transport.once('close', resolve))
  transport.end()
  await closed
}

export async function transportThatStays({ folder, kept }) {
  const transport = pino.transport({ target: 'pino/file', options: { destination: `${folder}/log` } }) //! worker
  pino(transport).info('hello')
  await new Promise((resolve) => transport.once('ready', resolve))
  kept.push(transport)
}
