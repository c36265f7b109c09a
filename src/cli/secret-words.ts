/** Where a secret may come from, as `--help` says it: apart from all that reads one, which starting does not wait for. */
export const SECRET_SOURCE = 'a file that only you can read, fd:3, or command:pass show ops/root'
