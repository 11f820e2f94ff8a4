import { defineWords } from "@/words";

export const useWords = defineWords("me", {
  en: {
    title: "My account",
    user: "User",
    role: "Role",
    admin: "Administrator: may do everything",
    guest: "Guest: may look, and change nothing",
    no_login: "This server asks nobody to log in (--no-auth).",
    server: "Server",
    version: "Version",
    zone: "Time zone of the scheduler",
    log_out: "Log out",
  },
  zh: {
    title: "我的账号",
    user: "用户",
    role: "角色",
    admin: "管理员：可以执行所有操作",
    guest: "访客：只能查看，不能修改",
    no_login: "此服务器不要求登录（--no-auth）。",
    server: "服务器",
    version: "版本",
    zone: "调度器时区",
    log_out: "退出登录",
  },
});
