/** Which role may ask which root field. A role may do what the ones before it may. */
import type { AuthCheckerFn } from 'type-graphql';
import { clientError } from '../schema/errors.ts';
import type { Role } from '../src/platform/setting.ts';
import type { Context } from './context.ts';

export const READER: Role[] = ['reader'];
export const ADMIN: Role[] = ['admin'];

const RANKS: Record<Role, number> = { reader: 0, merchant: 1, admin: 2 };

/** True for a role that sees counterparties' names as they are. */
export function seesNames(role: Role): boolean {
  return RANKS[role] >= RANKS.merchant;
}

/** Lets the caller through whose role ranks at least as high as the lowest one named. Throws FORBIDDEN otherwise. */
export const checkRole: AuthCheckerFn<Context, Role> = ({ context, info }, roles) => {
  const needed = Math.min(...roles.map((role) => RANKS[role]));
  if (RANKS[context.caller.role] >= needed) return true;
  throw clientError('FORBIDDEN', `${info.fieldName}: the role ${context.caller.role} may not ask for this`);
};
