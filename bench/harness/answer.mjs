/** For a part: answers the calls of its {@link Peer}, and exits with it. */
export function answer(functions) {
  const call = async ({ id, name, args }) => process.send({ id, value: await functions[name](...args) })
  process.on('message', (message) => void call(message))
  process.on('disconnect', () => process.exit())
}

/** The build of netgrace that is measured. */
export const netgraceBuild = process.env.NETGRACE_BUILD
