import { defineWords } from "@/words";

export const useWords = defineWords("login", {
  en: {
    log_in: "Log in",
    username: "User name",
    password: "Password",
    needed: "Please fill this in",
    hint: "The first start prints the password of root, and where it is kept.",
  },
  zh: {
    log_in: "登录",
    username: "用户名",
    password: "密码",
    needed: "请填写",
    hint: "首次启动时会打印 root 的密码及其保存位置。",
  },
});
