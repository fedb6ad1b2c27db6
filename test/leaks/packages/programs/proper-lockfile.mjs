import { writeFileSync } from 'node:fs'
import lockfile from 'proper-lockfile'

export async function released({ folder }) {
  writeFileSync(`${folder}/file`, '')
  const release = await lockfile.lock(`${folder}/file`)
  await release()
}

export async function held({ folder }) {
  writeFileSync(`${folder}/file`, '')
  await lockfile.lock(`${folder}/file`) //! timer:proper-lockfile
}
