import type { Locator, Page } from '@playwright/test';

export type FlowFile = { name: string; text: string };

/** Takes a flow as file or text; says what is wrong with it. */
export class ImportDialog {
  readonly page: Page;
  readonly root: Locator;
  readonly fault: Locator;

  constructor(page: Page) {
    this.page = page;
    this.root = page.getByRole('dialog', { name: 'Import a flow' });
    this.fault = page.getByTestId('import-fault');
  }

  async chooseFile({ name, text }: FlowFile): Promise<void> {
    const [chooser] = await Promise.all([
      this.page.waitForEvent('filechooser'),
      this.root.getByRole('button', { name: 'Choose a file…' }).click(),
    ]);
    await chooser.setFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) });
  }

  async importText(text: string): Promise<void> {
    await this.root.getByLabel('Flow as text').fill(text);
    await this.root.getByTestId('import-run').click();
  }

  async close(): Promise<void> {
    await this.root.getByRole('button', { name: 'Cancel' }).click();
    await this.root.waitFor({ state: 'detached' });
  }
}

/** Drags a file from outside onto the page. */
export async function dropFile(page: Page, { name, text }: FlowFile): Promise<void> {
  const transfer = await page.evaluateHandle(
    (file) => {
      const data = new DataTransfer();
      data.items.add(new File([file.text], file.name, { type: 'application/json' }));
      return data;
    },
    { name, text },
  );
  await page.dispatchEvent('body', 'dragover', { dataTransfer: transfer });
  await page.getByTestId('drop-target').waitFor();
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

/** Pastes text as the keyboard would, wherever the focus is. */
export async function pasteText(page: Page, text: string): Promise<void> {
  await page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}
