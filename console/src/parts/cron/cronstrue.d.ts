declare module "cronstrue/locales/zh_CN.min.js";
