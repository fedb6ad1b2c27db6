import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'

// No server: what is looked at is the search for one.
const kafka = (port, retry) => new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, retry })

export async function givesUp({ refusing }) {
  const producer = kafka(refusing, { retries: 1, initialRetryTime: 10 }).producer()
  await producer.connect().catch(() => {})
  await producer.disconnect()
}

export async function triesAgainAndAgain({ refusing }) {
  const producer = kafka(refusing, { retries: 100, initialRetryTime: 60_000, maxRetryTime: 60_000 }).producer()
  producer.connect().catch(() => {}) //! timer:kafkajs
  await delay(100)
}

export async function brokerThatDoesNotAnswer({ silent }) {
  const producer = kafka(silent, { retries: 0 }).producer()
  producer.connect().catch(() => {}) //! tcp-socket:kafkajs timer:kafkajs
  await delay(100)
}
