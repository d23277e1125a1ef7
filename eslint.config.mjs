// Lint rules: typescript-eslint strict with types, plus the conventions of this project that a rule can check.
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const conventions = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Use a named export: a default export has a different name in every file.',
  },
  {
    selector: 'TSEnumDeclaration',
    message: 'Use a union of strings: an enum is code where only a type is wanted.',
  },
];

export default defineConfig(
  globalIgnores(['**/dist/', '**/bundle/', '**/coverage/', '**/node_modules/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { files: ['**/*.mjs', '**/*.cjs'], extends: [tseslint.configs.recommended] },
  // CommonJS has nothing else.
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['**/*.ts', '**/*.cts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...conventions],
      // What a user's code threw is passed on as it is, whatever it is.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true, allowRethrowing: true },
      ],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // It asks for `!` where the rule against `!` asks for the assertion.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreUsingDeclarations: true },
      ],
      // The kind of a method is meaning here: `async` puts it on the event loop, with or without an await.
      '@typescript-eslint/require-await': 'off',
      // Provider classes hold nothing but methods, and tokens are often classes without members.
      '@typescript-eslint/no-extraneous-class': 'off',
      // Not enforced: a class that is only a parameter's type must stay a value import, or its metadata is lost.
      '@typescript-eslint/consistent-type-imports': 'off',
    },
  },
  {
    files: ['**/test/**/*.ts', '**/*.test.ts', 'examples/**/*.ts', 'benchmarks/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  // The tool demands a default export.
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
