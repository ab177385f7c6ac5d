import { expect, type Locator, type Page } from '@playwright/test';

/** The form of whatever is selected. */
export class Inspector {
  readonly page: Page;
  readonly root: Locator;

  constructor(page: Page) {
    this.page = page;
    this.root = page.getByTestId('inspector');
  }

  /** By its place in the document: `name`, `count`, `retry.attemptsMax`. */
  field(path: string): Locator {
    return this.root.getByTestId(`field-${path}`);
  }

  async set(path: string, value: string): Promise<void> {
    await this.field(path).fill(value);
    await this.field(path).blur();
  }

  /** One of a few choices that stand side by side. */
  async choose(path: string, label: string): Promise<void> {
    await this.field(path).getByText(label, { exact: true }).click();
  }

  /** One of the choices that a field opens. */
  async select(path: string, label: string): Promise<void> {
    await this.field(path).click();
    await this.page.getByRole('option', { name: label, exact: true }).click();
  }

  async addRow(path: string): Promise<void> {
    await this.root.getByTestId(`add-${path}`).click();
  }

  codeEditor(): Locator {
    return this.root.locator('.cm-content').first();
  }

  /** Types code as a person does, key by key, in place of what is there. */
  async typeCode(code: string): Promise<void> {
    const editor = this.codeEditor();
    await editor.click();
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.press('Delete');
    await editor.pressSequentially(code);
    await expect(editor).toHaveText(code);
    await editor.blur();
  }

  /** All at once, as from the clipboard: for code that is not about typing. */
  async pasteCode(code: string): Promise<void> {
    const editor = this.codeEditor();
    await editor.click();
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.insertText(code);
    await expect(editor).toHaveText(code);
    await editor.blur();
  }
}
