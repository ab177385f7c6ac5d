import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './environment.ts';

describe('readConfig', () => {
  it('has defaults that keep a server to its own machine', () => {
    expect(readConfig({}, {}, '/home/ada')).toEqual({
      host: '127.0.0.1',
      port: 4100,
      dataFolder: '/home/ada/.millrace',
      allowedOrigins: [],
      logLevel: 'info',
      logTo: 'file',
    });
  });

  it('takes the environment, and command-line options before it', () => {
    const config = readConfig(
      {
        MILLRACE_PORT: '5000',
        MILLRACE_DATA: 'data',
        MILLRACE_ALLOWED_ORIGINS: 'http://localhost:5173, https://a.example',
      },
      { port: '0' },
      '/home/ada',
    );
    expect(config.port).toBe(0);
    expect(config.dataFolder).toBe('/home/ada/data');
    expect(config.allowedOrigins).toEqual(['http://localhost:5173', 'https://a.example']);
  });

  it('treats an empty variable as one that is not set', () => {
    expect(readConfig({ MILLRACE_PORT: '', MILLRACE_HOST: '' }).port).toBe(4100);
  });

  it('names every variable that cannot be used', () => {
    const read = () =>
      readConfig({
        MILLRACE_PORT: 'http',
        MILLRACE_LOG_LEVEL: 'loud',
        MILLRACE_ALLOWED_ORIGINS: 'localhost',
      });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/MILLRACE_PORT must be a number/);
    expect(read).toThrow(/MILLRACE_LOG_LEVEL must be one of/);
    expect(read).toThrow(/MILLRACE_ALLOWED_ORIGINS must list origins/);
    expect(() => readConfig({ MILLRACE_PORT: '65536' })).toThrow(ConfigError);
  });
});
