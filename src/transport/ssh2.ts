import type { AnyAuthMethod, ClientChannel, ParsedKey, ServerHostKeyAlgorithm } from 'ssh2'
import ssh2 from 'ssh2'

/** The one door to ssh2. */
export const { Client, createAgent, BaseAgent, utils } = ssh2
export type Client = ssh2.Client
export type BaseAgent = ssh2.BaseAgent
export type { AnyAuthMethod, ClientChannel, ParsedKey, ServerHostKeyAlgorithm }
