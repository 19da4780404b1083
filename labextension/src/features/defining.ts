/** Under this key it is kept whether the form for definitions is open. */
export const DEFINING = 'features:defining';
