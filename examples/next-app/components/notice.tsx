'use client'
import { useEffect, useState } from 'react'
import type { Said } from './file-ticket'

export function Notice({ said }: { said: Said }) {
  return (
    <div className="notice" data-tone={said.tone}>
      <strong>{said.title}</strong>
      {said.text && <p>{said.text}</p>}
      {said.until !== undefined && <ComeBack key={said.until} until={said.until} />}
    </div>
  )
}

const secondsTo = (moment: number) => Math.max(0, Math.ceil((moment - Date.now()) / 1000))

/** Counts down for the eye. It is read out once, and once more when the time has come. */
function ComeBack({ until }: { until: number }) {
  const [first] = useState(() => secondsTo(until))
  const [left, setLeft] = useState(first)
  useEffect(() => {
    const timer = setInterval(() => setLeft(secondsTo(until)), 250)
    return () => clearInterval(timer)
  }, [until])
  if (left === 0) return <p className="come-back">You can file the next one now.</p>
  return (
    <p className="come-back">
      <span className="unseen">Come back in {first} seconds.</span>
      <span aria-hidden="true">Come back in {left} s</span>
    </p>
  )
}
