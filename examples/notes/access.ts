/** Who may do anything here: those who know the token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Provides, token } from '@turno/core';
import { Header, Unauthorized } from '@turno/http-adapter';

/** The token that clients have to show: `Authorization: Bearer …`. */
export const AccessToken = token<string>('AccessToken');
/** Made for its effect: `@Depends(LoggedIn)`. */
export const LoggedIn = token('LoggedIn');

export class Access {
  /** `async`: a trip to a thread would take longer than this does. */
  @Provides(LoggedIn, { scope: 'request' })
  async check(
    @Inject(AccessToken) accessToken: string,
    @Header('authorization', { default: '' }) header: string,
  ): Promise<void> {
    const shown = header.replace(/^Bearer +/i, 'Bearer ');
    // Takes as long for any two texts, so that nobody can find the token out letter by letter.
    if (timingSafeEqual(sha256(shown), sha256(`Bearer ${accessToken}`))) return;
    const headers = { 'www-authenticate': 'Bearer' };
    throw new Unauthorized('Send the token: `Authorization: Bearer …`.', { headers });
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();
