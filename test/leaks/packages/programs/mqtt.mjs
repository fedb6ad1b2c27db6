// needs: mosquitto
import { once } from 'node:events'
import mqtt from 'mqtt'

export async function end({ mosquitto }) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto}`)
  await client.subscribeAsync('presence')
  const heard = once(client, 'message')
  await client.publishAsync('presence', 'Hello mqtt')
  await heard
  await client.endAsync()
}

export async function endByForce({ mosquitto }) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto}`, { keepalive: 1 })
  client.end(true)
}

export async function endWhileItWaitsToReconnect({ refusing }) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${refusing}`, { reconnectPeriod: 60_000 }).on('error', () => {})
  await new Promise((resolve) => void client.once('close', resolve))
  await client.endAsync()
}

export async function connectionThatStays({ mosquitto }) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${mosquitto}`) //! tcp-socket timer
  await once(client, 'connect')
}

export async function reconnectsForEver({ refusing }) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${refusing}`, { reconnectPeriod: 60_000 }).on('error', () => {}) //! timer
  await new Promise((resolve) => void client.once('close', resolve))
}
