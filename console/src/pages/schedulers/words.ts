import { defineWords } from "@/words";

export const useWords = defineWords("schedulers", {
  en: {
    title: "Schedulers",
    id: "Scheduler",
    role: "Role",
    address: "Address",
    epoch: "Epoch",
    leader: "Leads",
    standby: "Stands by",
    hint: "One scheduler leads and schedules. The others stand by, pass calls on to it, and take over when it fails. Each new leader has a higher epoch.",
    alone: "There is no standby. If this scheduler fails, nothing is scheduled until it starts again.",
    no_leader:
      "No scheduler leads at the moment. One takes over within seconds if it can reach the database.",
    none: "No scheduler has reported yet.",
    reconcile_explicit: "Reconcile now",
    reconcile_clock: "Let silent jobs fire again",
    reconcile_heading: "Compare with the agents",
    reconcile_hint:
      "Asks all agents what they run, and settles what differs from the schedulers' record. This also happens by itself; do it now if a task looks wrong. At most once in 10 seconds.",
    reconcile_question: "Ask all agents what they run, and settle what differs?",
    clock_hint:
      "Jobs that fired while the machine's clock was ahead stay silent until that time comes. This lets them fire again.",
    clock_question: "Let jobs fire again that are silent because the clock was ahead?",
    done: "Done",
  },
  zh: {
    title: "调度器",
    id: "调度器",
    role: "角色",
    address: "地址",
    epoch: "任期",
    leader: "主调度器",
    standby: "备用",
    hint: "同一时刻只有一个主调度器负责调度；其余为备用，会把请求转发给主调度器，并在其故障时接管。每次切换后任期递增。",
    alone: "没有备用调度器。当前调度器故障后，在它重新启动之前不会有任何调度。",
    no_leader: "当前没有主调度器。只要能连上数据库，几秒内就会选出新的主调度器。",
    none: "还没有调度器上报。",
    reconcile_explicit: "立即对账",
    reconcile_clock: "恢复静默的作业",
    reconcile_heading: "与执行节点对账",
    reconcile_hint:
      "询问所有执行节点正在运行的任务，并处理与调度器记录不一致的部分。系统会自动对账；发现任务状态异常时可手动执行，10 秒内最多一次。",
    reconcile_question: "确定询问所有执行节点并处理不一致的任务吗？",
    clock_hint: "机器时钟曾经超前时触发过的作业，会一直静默到那个时刻。执行此操作可让它们恢复触发。",
    clock_question: "确定让因时钟超前而静默的作业恢复触发吗？",
    done: "已完成",
  },
});
