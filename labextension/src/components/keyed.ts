/** Where keys are text. */
export const TYPING = 'input:not([type="checkbox"]), textarea, select, [contenteditable="true"]';
