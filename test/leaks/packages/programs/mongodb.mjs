import { MongoClient } from 'mongodb'

// No server: what is looked at is the search for one.
const nobody = (port, options) => new MongoClient(`mongodb://127.0.0.1:${port}`, { serverSelectionTimeoutMS: 50, ...options })

export async function closedAfterNobodyWasFound({ refusing }) {
  const client = nobody(refusing)
  await client.connect().catch(() => {})
  await client.close()
}

export async function closedWhileItSearches({ refusing }) {
  const client = nobody(refusing, { serverSelectionTimeoutMS: 60_000 })
  const connecting = client.connect().catch(() => {})
  await client.close()
  await connecting
}

export async function searchesForEver({ refusing }) {
  const minute = { heartbeatFrequencyMS: 60_000, minHeartbeatFrequencyMS: 60_000 }
  const client = nobody(refusing, { serverSelectionTimeoutMS: 60_000, ...minute })
  client.connect().catch(() => {}) //! timer timer:mongodb
}
