import { defineConfig } from '@playwright/test';
import { findChromium } from '../scripts/chromium.ts';

/** Each spec starts a product of its own through `support/`; there is no shared server to leave state behind. */
export default defineConfig({
  testDir: 'specs',
  outputDir: 'results/output',
  fullyParallel: false,
  // Every journey has a browser, a server and the processes of its runs: two at once crowd a machine of two cores.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [['list'], ['json', { outputFile: process.env.MILLRACE_E2E_REPORT ?? 'results/report.json' }]],
  projects: [
    { name: 'journeys', testIgnore: /smooth\.spec/ },
    // Measures frames, so it runs when nothing else of this suite does.
    { name: 'smooth', testMatch: /smooth\.spec/, dependencies: ['journeys'] },
  ],
  use: {
    browserName: 'chromium',
    headless: true,
    // Nothing that is there to be pressed keeps a person waiting so long.
    actionTimeout: 20_000,
    viewport: { width: 1440, height: 900 },
    // Playwright's video needs a download of its own; a trace shows more.
    video: 'off',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: { executablePath: findChromium() },
  },
});
