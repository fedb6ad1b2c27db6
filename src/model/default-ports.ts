/**
 * The port that a URL of each scheme means when it names none: as IANA registered it, or as the scheme's own clients take it.
 * `URL` drops the port of `http`, `https`, `ws`, `wss` and `ftp` when it is the scheme's own, so there it may be missing although it was written.
 */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  ftp: 21,
  ftps: 990,
  ssh: 22,
  sftp: 22,
  smtp: 25,
  smtps: 465,
  submission: 587,
  imap: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  ldap: 389,
  ldaps: 636,
  redis: 6379,
  rediss: 6379,
  valkey: 6379,
  valkeys: 6379,
  memcached: 11_211,
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  mariadb: 3306,
  mssql: 1433,
  sqlserver: 1433,
  mongodb: 27_017,
  cassandra: 9042,
  bolt: 7687,
  neo4j: 7687,
  clickhouse: 9000,
  amqp: 5672,
  amqps: 5671,
  mqtt: 1883,
  mqtts: 8883,
  nats: 4222,
  kafka: 9092,
  stomp: 61_613,
}

/** The default port of a URL's `protocol` (`redis:`), whichever case it is in; `undefined`: it has none that is known. */
export function defaultPort(protocol: string): number | undefined {
  const scheme = protocol.replace(/:$/, '').toLowerCase()
  return Object.hasOwn(DEFAULT_PORTS, scheme) ? DEFAULT_PORTS[scheme] : undefined
}
