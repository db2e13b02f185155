/** An example of a README: it runs when it is imported. */
declare module "readme:*";
