import net from 'node:net'

/** Sends a line, waits for a line, compares; then ends, and waits for the close. */
export function talk(to, count, client) {
  return new Promise((resolve, reject) => {
    let n = 1
    let text = ''
    const line = () => `client #${client}, count ${n}\n`
    const socket = net.connect(to, '127.0.0.1', () => socket.write(line()))
    socket.on('data', (chunk) => {
      text += chunk
      if (!text.endsWith('\n')) return
      if (text !== line()) return reject(new Error(`${text} is not ${line()}`))
      text = ''
      if (n++ === count) socket.end()
      else socket.write(line())
    })
    socket.on('error', reject)
    socket.on('close', resolve)
  })
}
