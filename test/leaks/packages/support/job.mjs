/** What the pools of threads run. */
export default function work(n) {
  return 2 * n
}
