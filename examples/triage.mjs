// What the long-running part of the pipeline would do with a model, done with a word list: a category and a priority.

const CATEGORIES = {
  billing: /invoice|refund|charged|\bbill\b|vat certificate|rechnung|mahnung|factur|fatur|számla|sz[áa]mla|hóa đơn|請求書|发票|發票|세금계산서|счёт|فاتورة|இன்வாய்ஸ்/,
  access: /log ?in|password|unlock|badge|mfa|sso|sudo|account|passwor[dt]|wachtwoord|mot de passe|mdp|contraseña|hasła|palavra-passe|κωδικός|kata sandi|パスワード|密码|비밀번호|парол|كلمة المرور|รหัสผ่าน|anmeld|benutzerkonto/,
  printing: /print|drucke|imprim|impress|skrivaren|プリンター|打印机|프린터|принтер|الطابعة|प्रिंटर/,
  network: /vpn|wi-?fi|internet|network|outage|telefonanlage|интернет|502/,
  hardware: /laptop|monitor|battery|scanner|keyboard|headset|docking|portatile|maus|モニター|câmara/,
}

const URGENT = /urgent|asap|dringend|pilną|срочно|至急|緊急|紧急|긴급|عاجل|production line|p1\b/

export function triage(summary) {
  const text = summary.toLowerCase()
  const found = Object.entries(CATEGORIES).find(([, words]) => words.test(text))
  return { category: found?.[0] ?? 'general', priority: URGENT.test(text) ? 'high' : 'normal' }
}
