// The work of the pipeline: a category and a priority for a ticket. A word list stands in for the slow model.

const CATEGORIES = {
  billing:
    /invoice|refund|charged|\bbill\b|vat certificate|rechnung|mahnung|factur|fatura|faktura|számla|hóa đơn|請求書|发票|세금계산서|счёт|الفاتورة|இன்வாய்ஸ்/,
  access:
    /log ?in|password|unlock|locked out|\bbadge|\bmfa\b|\bsso\b|sudo|account|passwort|wachtwoord|mot de passe|\bmdp\b|contraseña|hasła|palavra-passe|κωδικός|kata sandi|パスワード|密码|비밀번호|парол|كلمة المرور|รหัสผ่าน|anmeldung|benutzerkonto/,
  printing: /print|drucke[rn]?\b|imprim|impress|skrivaren|toner|プリンター|打印机|프린터|принтер|الطابعة|प्रिंटर/,
  network: /\bvpn|wi-?fi|internet|outage|telefonanlage|\b502\b|интернет/,
  hardware: /laptop|monitor|battery|scanner|keyboard|headset|portatile|maus|モニター/,
  software:
    /crash|frozen|error|not responding|\b500\b|stürzt|障害|장애|當機|نظام|\bapp\b|export|database|portal|session/,
}

const URGENT = /(?<!not )urgent|asap|dringend|pilną|срочно|至急|緊急|긴급|عاجل/

export function triage(summary) {
  const text = summary.toLowerCase()
  const match = Object.entries(CATEGORIES).find(([, words]) => words.test(text))
  return { category: match?.[0] ?? 'other', priority: URGENT.test(text) ? 'high' : 'normal' }
}
