import { expect, type Locator, type Page } from '@playwright/test';
import { Canvas } from './canvas.ts';
import { DeadLetters } from './deadLetters.ts';
import { Dock } from './dock.ts';
import { ExportDialog } from './exportDialog.ts';
import { ImportDialog } from './importDialog.ts';
import { Inspector } from './inspector.ts';
import { RunBar } from './runBar.ts';
import { RunPart } from './runPart.ts';

/** One open flow and everything around it. */
export class Workbench {
  readonly page: Page;
  readonly canvas: Canvas;
  readonly inspector: Inspector;
  readonly dock: Dock;
  readonly run: RunBar;
  readonly runPart: RunPart;
  readonly deadLetters: DeadLetters;
  readonly exporting: ExportDialog;
  readonly importing: ImportDialog;
  readonly name: Locator;

  constructor(page: Page) {
    this.page = page;
    this.canvas = new Canvas(page);
    this.inspector = new Inspector(page);
    this.dock = new Dock(page);
    this.run = new RunBar(page);
    this.runPart = new RunPart(page);
    this.deadLetters = new DeadLetters(page);
    this.exporting = new ExportDialog(page);
    this.importing = new ImportDialog(page);
    this.name = page.getByTestId('flow-name');
  }

  async open(flowId: string): Promise<void> {
    await this.page.goto(`/flows/${flowId.slice('flow:'.length)}`);
    await this.canvas.root.waitFor();
  }

  /** The id of the open flow, from the address. */
  flowId(): string {
    return `flow:${decodeURIComponent(new URL(this.page.url()).pathname.split('/').at(-1) ?? '')}`;
  }

  async whenSaved(): Promise<void> {
    await expect(this.page.getByTestId('save-state')).toHaveAttribute('data-state', 'saved');
  }

  async undo(): Promise<void> {
    await this.page.getByTestId('undo').click();
  }

  async redo(): Promise<void> {
    await this.page.getByTestId('redo').click();
  }

  async toStart(): Promise<void> {
    await this.page.getByTestId('to-start').click();
    await this.page.getByTestId('start-screen').waitFor();
  }

  /** Runs a command by name, with the keyboard alone. */
  async command(name: string): Promise<void> {
    await this.page.keyboard.press('Control+k');
    const search = this.page.getByLabel('Search commands');
    await search.fill(name);
    await expect(this.page.getByRole('button', { name }).first()).toBeVisible();
    await search.press('Enter');
    await search.waitFor({ state: 'detached' });
  }

  toasts(): Locator {
    return this.page.locator('.mantine-Notification-root');
  }
}
