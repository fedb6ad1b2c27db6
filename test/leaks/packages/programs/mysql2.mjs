// needs: mariadb
import mysql from 'mysql2/promise'

const to = (port) => ({ host: '127.0.0.1', port, user: 'root' })

export async function connectionThatEnds({ mariadb }) {
  const connection = await mysql.createConnection(to(mariadb))
  await connection.query('SELECT 1')
  await connection.end()
}

export async function poolThatEnds({ mariadb }) {
  const pool = mysql.createPool({ ...to(mariadb), connectionLimit: 3 })
  await Promise.all([1, 2, 3, 4].map((n) => pool.query('SELECT ?', [n])))
  await pool.end()
}

export async function refused({ refusing }) {
  await mysql.createConnection({ ...to(refusing), connectTimeout: 60_000 }).catch(() => {})
}

export async function connectionThatStays({ mariadb }) {
  const connection = await mysql.createConnection(to(mariadb)) //! tcp-socket
  await connection.query('SELECT 1')
}

export async function poolThatIsNotEnded({ mariadb }) {
  const pool = mysql.createPool({ ...to(mariadb), connectionLimit: 3 })
  await pool.query('SELECT 1') //! tcp-socket
}
