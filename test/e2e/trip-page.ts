import { type BrowserContext, expect, type Locator, type Page } from '@playwright/test';
import type { Role } from '../../examples/trip-planner/src/trip-key.ts';
import { linkTo } from './demo-server.ts';

/** How many cities every trip holds. */
export const CITIES = 138_398;

/** One person's window on a trip: what they see and do, in the words of the page. */
export class TripPage {
  readonly page: Page;
  /** What the page said that it should not have said. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.message}`));
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  /** Opens a trip by a link of its own, be it there already or not. */
  async open(url: string, role: Role = 'edit'): Promise<void> {
    await this.page.goto(linkTo(url, role));
    await this.isLoaded();
    // The key is no longer in the address: it is kept.
    await expect(this.page).toHaveURL(url);
  }

  /** The trip is here with all its cities, and this tab is connected. */
  async isLoaded(): Promise<void> {
    await expect(this.page.getByPlaceholder(`Find one of ${CITIES.toLocaleString('en')} cities`)).toBeVisible();
    await expect(this.page.locator('.loading')).toHaveCount(0);
    await this.isConnected();
  }

  async isConnected(): Promise<void> {
    await expect(this.connection).toHaveText('Connected');
  }

  /** Everything this tab did was decided by the room. */
  async isSettled(): Promise<void> {
    await expect(this.pending).toHaveText('0 pending');
  }

  get connection(): Locator {
    return this.page.locator('.status [role=status]');
  }

  get pending(): Locator {
    return this.page.locator('.status .pending-count');
  }

  async version(): Promise<number> {
    const text = await this.page.locator('.status li', { hasText: 'Version' }).locator('b').innerText();
    return Number(text.replace(/\D/g, ''));
  }

  /** Names of the stops, in the order of the trip. */
  get stops(): Locator {
    return this.page.locator('.stop-name strong');
  }

  stop(name: string): Locator {
    return this.page.locator('.stop', { has: this.page.locator('.stop-name strong', { hasText: new RegExp(`^${name}$`) }) });
  }

  async openStop(name: string): Promise<void> {
    await this.stop(name).locator('.stop-name').click();
    await expect(this.stop(name).locator('.stop-detail')).toBeVisible();
  }

  handle(name: string): Locator {
    return this.page.getByRole('button', { name: new RegExp(`^Move ${name},`) });
  }

  noteField(stop: string): Locator {
    return this.page.getByRole('textbox', { name: `Write a note on ${stop}` });
  }

  get search(): Locator {
    return this.page.getByRole('combobox', { name: 'Find a city' });
  }

  /** Searches, takes the first city found and puts it on the route. */
  async addCity(text: string, name: string): Promise<void> {
    await this.search.fill(text);
    await this.page.getByRole('option').filter({ hasText: name }).first().click();
    await this.page.getByRole('region', { name }).getByRole('button', { name: 'Add to the route' }).click();
    await this.search.fill('');
  }

  async show(part: 'Route' | 'Packing' | 'Budget' | 'SQL'): Promise<void> {
    const button = this.page.getByRole('navigation', { name: 'Parts of the trip' }).getByRole('button', { name: new RegExp(`^${part}`) });
    await button.click();
    await expect(button).toHaveAttribute('aria-pressed', 'true');
  }

  /** Things to pack, in their order. Shown after `show('Packing')`. */
  get items(): Locator {
    return this.page.locator('.items label span');
  }

  item(label: string): Locator {
    return this.page.getByRole('checkbox', { name: label });
  }

  async addItem(label: string): Promise<void> {
    const field = this.page.getByRole('textbox', { name: 'Add a thing to pack' });
    await field.fill(label);
    await field.press('Enter');
  }

  get budget(): Locator {
    return this.page.getByRole('slider', { name: 'Budget' });
  }

  /** Marks of the others who are here. */
  other(name: string): Locator {
    return this.page.locator('.people li button', { hasText: name });
  }

  async openSql(): Promise<void> {
    const button = this.page.locator('.foot-sql');
    if ((await button.getAttribute('aria-pressed')) !== 'true') await button.click();
    await expect(this.page.getByRole('textbox', { name: 'SQL' })).toBeVisible();
  }

  async runSql(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'SQL' }).fill(text);
    await this.page.getByRole('button', { name: 'Run', exact: true }).click();
  }

  /** The only cell of a result with one row and one column. */
  get onlyCell(): Locator {
    return this.page.locator('.sql-answer table.result td');
  }

  /** Fails with what the page complained about, apart from what this test brought about itself. */
  hasNoComplaints(expected: RegExp | null = null): void {
    expect(this.complaints.filter((complaint) => expected === null || !expected.test(complaint))).toEqual([]);
  }
}
