import { once } from 'node:events'
import nodemailer from 'nodemailer'
import { SMTPServer } from 'smtp-server'

const letter = { from: 'a@example.com', to: 'b@example.com', subject: 'Hello', text: 'Hello world?' }

async function mailServer() {
  const options = { authOptional: true, disabledCommands: ['STARTTLS'], onData: (stream, _, done) => stream.resume().on('end', done) }
  const server = new SMTPServer(options).on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return { server, port: server.server.address().port }
}

const close = (server) => new Promise((resolve) => void server.close(resolve))

export async function sentOnce() {
  const { server, port } = await mailServer()
  await nodemailer.createTransport({ host: '127.0.0.1', port }).sendMail(letter)
  await close(server)
}

export async function poolThatCloses() {
  const { server, port } = await mailServer()
  const transport = nodemailer.createTransport({ pool: true, host: '127.0.0.1', port })
  await Promise.all([transport.sendMail(letter), transport.sendMail(letter)])
  transport.close()
  await close(server)
}

export async function serverThatStays() {
  const server = new SMTPServer({ authOptional: true }).on('error', () => {})
  server.listen(0, '127.0.0.1') //! tcp-listener
  await once(server.server, 'listening')
}

export async function poolThatIsNotClosed() {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _, done) => stream.resume().on('end', done),
  })
  server.listen(0, '127.0.0.1') //! tcp-listener tcp-socket
  await once(server.server, 'listening')
  const transport = nodemailer.createTransport({ pool: true, host: '127.0.0.1', port: server.server.address().port })
  await transport.sendMail(letter) //! tcp-socket:nodemailer timer:nodemailer
}
