/** Which part of a list; a page holds 50 unless `limit` says otherwise. */
export interface IPaging {
  limit?: number;
  cursor?: string | null;
}
