// They bring no types; what the tests use of them is little.
declare module 'express'
declare module 'http-terminator'
declare module 'koa'
declare module 'stoppable'
